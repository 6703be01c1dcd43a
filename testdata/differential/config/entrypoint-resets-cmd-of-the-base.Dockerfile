FROM tiny
ENTRYPOINT ["/e"]
