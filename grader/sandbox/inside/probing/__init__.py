"""What can be observed of a hand-in besides its variables: one file for each kind of probe, with one ``observe``."""
