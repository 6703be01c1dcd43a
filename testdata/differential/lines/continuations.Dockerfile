FROM tiny
ENV A=1 \
  B=2 \
    C=3
LABEL a=\
b
COPY \
  one \
  /x
