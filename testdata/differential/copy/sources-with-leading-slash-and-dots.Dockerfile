FROM tiny
COPY /one /a
COPY ./two /b
COPY dir/../one /c
COPY dir/sub/.. /d
COPY ./dir/./sub/ /e
