"""aivideo: a self-hosted studio for AI video generation."""
