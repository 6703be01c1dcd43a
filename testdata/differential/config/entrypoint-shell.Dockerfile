FROM tiny
ENTRYPOINT exec top -b
