# A comment first
FROM tiny
  # indented comment
CMD echo # not a comment
ENV B=1 \
# comment
  # indented
  C=2
# last
