"""What a service is set to at the server: its image, its git ref, its variables; read, changed and put back."""
