"""What is kept: consultations with every turn as the model wrote it, and drafts. The only opener of the database."""

from medassist.store.consultations import Store, StoredConsultation, StoredTurn, open_store

__all__ = ["Store", "StoredConsultation", "StoredTurn", "open_store"]
