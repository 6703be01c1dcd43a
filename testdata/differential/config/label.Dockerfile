FROM tiny
LABEL x=1 "quoted key"="quoted value" y='z' org.example.dotted="v"
LABEL legacy some words
LABEL base=mine
LABEL long="over \
lines"
