"""Report on a labelled dataset as JSON, Markdown and one HTML file."""
