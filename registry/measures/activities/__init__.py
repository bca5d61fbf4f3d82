"""What the departments did, entered once: events, trainings, joint actions, conferences, cases, figures of others."""
