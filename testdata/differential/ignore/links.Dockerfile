FROM tiny
COPY links /links
