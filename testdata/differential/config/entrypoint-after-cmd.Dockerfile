FROM tiny
CMD ["mine"]
ENTRYPOINT ["/e"]
