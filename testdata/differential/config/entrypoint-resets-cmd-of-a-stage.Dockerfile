FROM tiny AS a
CMD ["mine"]
FROM a
ENTRYPOINT ["/e"]
