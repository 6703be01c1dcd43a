FROM tiny
COPY one <<made two /mixed/
text
made
ADD <<x /added/y
a 'b' "c" \\ \x
d
x
