FROM tiny
SHELL ["/bin/ash", "-ec"]
CMD echo hi
ENTRYPOINT echo there
