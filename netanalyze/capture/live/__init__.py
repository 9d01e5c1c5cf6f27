"""Live captures: interfaces become batches of frames, too."""
