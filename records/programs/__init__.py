"""What is kept of programs: answers to what they may send twice."""
