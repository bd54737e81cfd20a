"""Fine-tune a served network on a laboratory's own cells, and prove it before it is published."""
