FROM box
RUN touch -d '2001-02-03 04:05:06' /made /etc/issue; touch /now; ln -s x /link
