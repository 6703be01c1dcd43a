FROM tiny
COPY dir/a/ /x
