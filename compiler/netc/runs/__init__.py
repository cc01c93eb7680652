"""What comes after training: runs read from their folders, listed, compared, evaluated and used to predict."""
