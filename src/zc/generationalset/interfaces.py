from zope.interface import Interface
class IGenerationalSet(Interface):
    pass
