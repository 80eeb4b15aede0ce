"""From cases to an adapter: validate, prepare, preview, finetune, export. `python -m training --help`."""
