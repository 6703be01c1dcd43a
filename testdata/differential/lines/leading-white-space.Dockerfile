  FROM tiny
	ENV A=1
    COPY one /x
