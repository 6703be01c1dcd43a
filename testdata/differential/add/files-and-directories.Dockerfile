FROM tiny
ADD one /renamed
ADD one two /into/
ADD dir /dir
ADD *.log script.sh /wild/
