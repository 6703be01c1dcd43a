FROM box
RUN dd if=/dev/zero of=/sparse bs=1 count=1 seek=5000000 2>/dev/null; yes text | head -c 3000000 > /large; cp /large /copy
