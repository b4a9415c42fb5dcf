"""Signs components, images and statements, in files and layouts."""
