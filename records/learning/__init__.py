"""What a laboratory's signed cells taught: heads, their use, and what they are fitted to."""
