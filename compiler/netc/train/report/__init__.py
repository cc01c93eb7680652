"""What people look at after a training: pictures of the data, the curves and the predictions, and the page with all of it."""
