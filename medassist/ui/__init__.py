"""The pages. The only importer of gradio."""
