FROM box
RUN mkdir /m; for mode in 0000 0400 1777 2755 4755 6711; do : > /m/$mode; chmod $mode /m/$mode; mkdir /m/d$mode; chmod $mode /m/d$mode; done; chown 12:34 /m/0000; chown -R app:staff /m/d2755; chown -h 5:6 /old/link
