FROM tiny
COPY one /renamed
COPY one two /into/
COPY dir /dir
COPY dir/ /made/deep/
COPY html html/
