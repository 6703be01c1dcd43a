FROM tiny
CMD [ "one", \
      "two", \
# not an argument
      "three" ]
