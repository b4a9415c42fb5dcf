"""Sign components, images and statements about images, in files and layouts."""
