document.title = 'Explorer';
