"""What every layer may use: knows no other part of the application."""
