FROM tiny
COPY names/with\ space /x
