FROM tiny
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["echo hi"]
