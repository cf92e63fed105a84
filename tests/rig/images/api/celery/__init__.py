"""What scripts import of the real Celery."""
