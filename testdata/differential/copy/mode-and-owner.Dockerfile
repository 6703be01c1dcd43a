FROM tiny
COPY --chmod=4750 --chown=app:staff one dir /both/
