"""Orders in which a training sees its samples."""
