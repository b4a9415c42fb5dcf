"""Policy files in the forms of other verifiers of images, and what these forms cannot say."""
