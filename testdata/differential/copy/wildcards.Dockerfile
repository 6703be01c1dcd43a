FROM tiny
COPY *o* /matched/
COPY d?r/sub /sub/
COPY [a-o]ne /class
COPY h*/c*/*.css /css/
