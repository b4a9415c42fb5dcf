"""From components to layouts: one image, an index of images, and the component out of a layout again."""
