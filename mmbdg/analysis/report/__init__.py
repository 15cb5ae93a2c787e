"""What there is to say about a labelled dataset, as numbers, text and one HTML file."""
