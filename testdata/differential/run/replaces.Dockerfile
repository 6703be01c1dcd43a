FROM box
RUN rm -r /old/deep; echo file > /old/deep; rm /old/a; mkdir /old/a; rm -r /home/app; ln -s /srv /home/app
