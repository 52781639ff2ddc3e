"""The items that are synchronized, about 200 bytes each."""

FIELDS = 'title', 'state', 'owner', 'text'
KEY = ['title']


def item(number):
    return {'title': f'Issue {number}', 'state': 'open',
            'owner': f'person {number % 100}',
            'text': f'What happens in case {number}. ' * 4}


def changed(number):
    return {**item(number), 'state': 'done'}
