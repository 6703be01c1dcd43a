FROM tiny
USER app:staff
