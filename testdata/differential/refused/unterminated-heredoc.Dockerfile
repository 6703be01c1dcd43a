FROM tiny
COPY <<EOF /x
text
