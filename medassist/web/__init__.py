"""The web application around the pages: health, limits, headers, the server."""
