FROM tiny
CMD ['single', 'quotes']
