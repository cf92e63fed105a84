"""What is known of Dify's releases. Pure: texts and records in, records out."""
